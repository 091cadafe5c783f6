"""Header words in several languages, as columns.py compares them: no accents, spaces or signs."""

from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    "msisdn": """
        phone phonenumber phoneno phonenr mobile mobilenumber mobileno mobilephone mobilephonenumber
        cell cellphone cellnumber cellphonenumber number msisdn tel telno telephone telephonenumber sms
        smsnumber recipient recipientnumber to contactnumber whatsapp handy handynummer mobil
        mobilnummer mobiltelefon mobilfunknummer telefon telefonnummer rufnummer portable
        telephoneportable numero numerodetelephone numerotelephone numeroportable telefono telefonomovil
        movil celular numerocelular numerodetelefono telemovel telefone cellulare numeroditelefono
        numerotelefono telefoonnummer telefoon mobielnummer gsm gsmnummer telefonnr mobiltlf tlf puhelin
        puhelinnumero matkapuhelin telefonas komorka numertelefonu telefonkomorkowy телефон номер
        номертелефона мобильный мобильныйтелефон мобільний номертелефону טלפון נייד מספרטלפון מספרנייד
        هاتف جوال رقمالهاتف 电话 手机 手机号 电话号码 電話 電話番号 携帯 携帯電話 전화 전화번호 휴대폰
    """,
    "first_name": """
        firstname first fname given givenname givennames forename name1 vorname rufname prenom nombre
        primernombre nome primeironome voornaam fornamn fornavn etunimi imie имя ім'я імя שםפרטי
        الاسمالاول 名
    """,
    "last_name": """
        lastname last lname surname familyname family secondname nachname familienname zuname
        nomdefamille nom apellido apellidos sobrenome cognome achternaam efternamn etternavn efternavn
        sukunimi nazwisko фамилия прізвище שםמשפחה اسمالعائلة 姓
    """,
    "email": """
        email emailaddress mail mailaddress eml courriel adresseemail adressemail correo
        correoelectronico emailadresse mailadresse epost epostadresse sahkoposti электроннаяпочта почта
        електроннапошта דואל אימייל البريدالالكتروني 邮箱 电子邮件 メール メールアドレス 이메일
    """,
    "url": """
        url link website web webpage homepage site landingpage internetseite siteweb paginaweb sitio
        sito сайт ссылка посилання אתר קישור 网址
    """,
    "gender": """
        gender sex geschlecht anrede sexe genre civilite sexo genero sesso genere geslacht kon kjonn
        sukupuoli plec пол стать מין מגדר الجنس 性别 性別 성별
    """,
    "time_zone": """
        timezone tz zeitzone fuseauhoraire zonahoraria fusohorario fusoorario tijdzone tidszon tidssone
        strefaczasowa часовойпояс часовийпояс אזורזמן 时区
    """,
}
# When and how somebody agreed to be texted. Words that say no more than that a person came ("signup date") are none.
CONSENT_WORDS: Mapping[str, str] = {
    "consent_at": """
        consentat consentdate consenttime consenttimestamp dateofconsent consentgivenat optinat optindate optintime
        optintimestamp optedinat optedinon optedindate doubleoptinat doubleoptindate confirmedoptinat smsconsentat smsoptinat
        einwilligungam einwilligungsdatum datumdereinwilligung datedeconsentement dateconsentement dateoptin
        fechadeconsentimiento fechaconsentimiento datadelconsenso dataconsenso datadeconsentimento toestemmingsdatum
        датасогласия датазгоди תאריךהסכמה
    """,
    "consent_source": """
        consentsource consentby consenttype consentmethod consentchannel consentform consentproof sourceofconsent optinsource
        optinmethod optinchannel optintype optinproof doubleoptinsource smsconsentsource einwilligungsquelle
        quelledereinwilligung einwilligungdurch sourceduconsentement origendelconsentimiento fontedelconsenso
        origemdoconsentimento bronvantoestemming источниксогласия джерелозгоди מקורהסכמה
    """,
}
# Of files of opt-outs: the surest words first, as one of several dates is the one of the opt-out.
OPT_OUT_WORDS: Mapping[str, str] = {
    "at": """
        optedoutat optoutat optoutdate optedoutdate optouttime optouttimestamp dateoptedout optedouton optouton
        unsubscribedat unsubscribedate unsubscribedon unsubscribetime dateunsubscribed stopdate stoppedat abmeldedatum
        abgemeldetam abmeldung abgemeldet datededesinscription datedesinscription desinscritle fechadebaja fechabaja
        dadodebajael datadisiscrizione disiscrittoil datadecancelamento canceladoem afmelddatum uitschrijfdatum
        afgemeldop avregistrerad avmeldt датаотписки датавідписки отписался תאריךהסרה הוסרבתאריך تاريخالغاءالاشتراك
        退订日期 退订时间 配信停止日 수신거부일
        at when timestamp datetime date time day wann datum zeitpunkt zeit tag quand dateetheure jour cuando fecha
        fechayhora dia quando data dataeora dataehora ora giorno wanneer tijdstip tijd dato tidspunkt tid dag paivamaara
        kiedy когда дата датаивремя время коли час מתי תאריך متى تاريخ 日期 时间 日付 日時 날짜 일시
        createdat created createdon datecreated updatedat
    """,
    "source": """
        source proof evidence origin quelle herkunft nachweis beleg preuve origine fuente origen prueba fonte prova origem
        bron herkomst bewijs kalla opprinnelse kilde zrodlo источник подтверждение джерело доказ מקור הוכחה مصدر
        来源 出典 출처
        reason optoutreason unsubscribereason grund abmeldegrund raison motif motivo razon reden arsak arsag grunn powod
        причина סיבה سبب 原因 理由 사유
        message messagetext text body reply answer inbound nachricht antwort texte reponse mensaje respuesta texto
        messaggio risposta testo mensagem resposta bericht antwoord tekst wiadomosc текст сообщение ответ повідомлення
        відповідь הודעה תשובה رسالة 消息 回复 メッセージ 메시지
        channel how method via kanal weg canal canale kanaal канал способ ערוץ 渠道 方法 채널
        comment comments note notes remark kommentar bemerkung notiz commentaire comentario nota commento opmerking
        комментарий коментар примечание הערה ملاحظة 备注 備考 비고
    """,
}
# Of dates that are not those of an opt-out: births, and how a person came and what became of them.
OTHER_DATE_STEMS = """
    birth dob geburt geb naiss nacim nascita nascim geboorte fodsel fodelse рожд народж לידה ميلاد 生日 誕生 생일
    added joined signup signedup registr lastlogin lastseen lastvisit order purchase bestell commande pedido ordine
"""
# What the names of further number columns hold ("Phone 2", "Mobile (work)"), and those of mobiles.
MOBILE_STEMS = """
    mobil cell handy gsm sms whatsapp portable movil celular telemovel cellulare matkapuhelin komork мобил мобіл
    נייד جوال 手机 手機 携帯 휴대
"""
NUMBER_STEMS = (
    f"{MOBILE_STEMS} phone telefon telephone telefoon puhelin rufnummer телефон טלפון هاتف 电话 電話 전화"
)
# A name without a word whether it is the first, the last or both.
NAME_WORDS = """
    name names fullname contact contactname contactperson kontakt kontaktname kontaktperson ansprechpartner
    vollername nom nomcomplet nometprenom nombrecompleto nombreyapellido nombreyapellidos
    nomecompleto nomeecognome naam volledigenaam navn fulltnavn namn fullstandigtnamn nimi kokonimi
    imieinazwisko ad adsoyad isim имяифамилия фио полноеимя піб שם שםמלא الاسم الاسمالكامل 姓名 名前 氏名 이름 성명
"""
# What stands in a column of genders or forms of address.
GENDER_WORDS = """
    m f w d x male female man woman männlich weiblich divers homme femme hombre mujer masculino feminino
    femenino maschio femmina uomo donna mr mrs ms miss herr frau monsieur madame m. mme
"""
