"""The sentences of the unsubscribe page, per language: the languages of sms.opt_out.WORDS.

Not gettext: the page speaks the workspace's languages to strangers, whatever language the installation has.
%(name)s is the workspace, %(number)s the number with its middle hidden.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sentences:
    title: str
    question: str
    button: str
    done_title: str
    done: str
    mistake: str
    undo: str
    undone_title: str
    undone: str
    unknown: str
    right_to_left: bool = False


SENTENCES: dict[str, Sentences] = {
    "en": Sentences(
        title="Stop texts from %(name)s?",
        question="Press the button and %(number)s gets no more texts from %(name)s.",
        button="Stop these texts",
        done_title="You are unsubscribed",
        done="%(number)s gets no more texts from %(name)s.",
        mistake="Was that a mistake?",
        undo="Keep getting texts",
        undone_title="You stay subscribed",
        undone="%(number)s goes on getting texts from %(name)s.",
        unknown="This link leads nowhere any more. Reply STOP to the text instead.",
    ),
    "de": Sentences(
        title="Keine SMS mehr von %(name)s?",
        question="Ein Druck auf den Knopf, und %(number)s bekommt keine SMS mehr von %(name)s.",
        button="Keine SMS mehr senden",
        done_title="Sie sind abgemeldet",
        done="%(number)s bekommt keine SMS mehr von %(name)s.",
        mistake="War das ein Versehen?",
        undo="Weiter SMS bekommen",
        undone_title="Sie bleiben angemeldet",
        undone="%(number)s bekommt weiter SMS von %(name)s.",
        unknown="Dieser Link führt nirgendwohin mehr. Antworten Sie stattdessen mit STOP auf die SMS.",
    ),
    "fr": Sentences(
        title="Ne plus recevoir les SMS de %(name)s ?",
        question="Appuyez sur le bouton et le %(number)s ne recevra plus de SMS de %(name)s.",
        button="Ne plus recevoir ces SMS",
        done_title="Vous êtes désabonné",
        done="Le %(number)s ne recevra plus de SMS de %(name)s.",
        mistake="C’était une erreur ?",
        undo="Continuer à recevoir les SMS",
        undone_title="Vous restez abonné",
        undone="Le %(number)s continue à recevoir les SMS de %(name)s.",
        unknown="Ce lien ne mène plus nulle part. Répondez STOP au SMS à la place.",
    ),
    "es": Sentences(
        title="¿Dejar de recibir los SMS de %(name)s?",
        question="Pulse el botón y el %(number)s no recibirá más SMS de %(name)s.",
        button="No recibir más SMS",
        done_title="Se ha dado de baja",
        done="El %(number)s no recibirá más SMS de %(name)s.",
        mistake="¿Fue un error?",
        undo="Seguir recibiendo SMS",
        undone_title="Sigue suscrito",
        undone="El %(number)s sigue recibiendo SMS de %(name)s.",
        unknown="Este enlace ya no lleva a ninguna parte. Responda STOP al SMS.",
    ),
    "pt": Sentences(
        title="Deixar de receber SMS de %(name)s?",
        question="Carregue no botão e o número %(number)s não recebe mais SMS de %(name)s.",
        button="Não receber mais SMS",
        done_title="Cancelou a subscrição",
        done="O número %(number)s não recebe mais SMS de %(name)s.",
        mistake="Foi um engano?",
        undo="Continuar a receber SMS",
        undone_title="Continua subscrito",
        undone="O número %(number)s continua a receber SMS de %(name)s.",
        unknown="Esta ligação já não leva a lado nenhum. Responda STOP ao SMS.",
    ),
    "it": Sentences(
        title="Non ricevere più SMS da %(name)s?",
        question="Premendo il pulsante, %(number)s non riceverà più SMS da %(name)s.",
        button="Non ricevere più SMS",
        done_title="Iscrizione annullata",
        done="%(number)s non riceverà più SMS da %(name)s.",
        mistake="È stato un errore?",
        undo="Continuare a ricevere SMS",
        undone_title="L’iscrizione resta attiva",
        undone="%(number)s continua a ricevere SMS da %(name)s.",
        unknown="Questo link non porta più da nessuna parte. Rispondi STOP all’SMS.",
    ),
    "nl": Sentences(
        title="Geen sms’jes meer van %(name)s?",
        question="Druk op de knop en %(number)s krijgt geen sms’jes meer van %(name)s.",
        button="Geen sms’jes meer",
        done_title="U bent afgemeld",
        done="%(number)s krijgt geen sms’jes meer van %(name)s.",
        mistake="Was dat een vergissing?",
        undo="Sms’jes blijven krijgen",
        undone_title="U blijft aangemeld",
        undone="%(number)s blijft sms’jes krijgen van %(name)s.",
        unknown="Deze link leidt nergens meer heen. Antwoord met STOP op de sms.",
    ),
    "pl": Sentences(
        title="Nie otrzymywać SMS-ów od %(name)s?",
        question="Po naciśnięciu przycisku numer %(number)s nie dostanie więcej SMS-ów od %(name)s.",
        button="Nie chcę więcej SMS-ów",
        done_title="Wypisano z listy",
        done="Numer %(number)s nie dostanie więcej SMS-ów od %(name)s.",
        mistake="To była pomyłka?",
        undo="Chcę nadal dostawać SMS-y",
        undone_title="Nadal jesteś na liście",
        undone="Numer %(number)s nadal będzie dostawać SMS-y od %(name)s.",
        unknown="Ten link już donikąd nie prowadzi. Odpowiedz STOP na SMS.",
    ),
    "uk": Sentences(
        title="Більше не отримувати SMS від %(name)s?",
        question="Натисніть кнопку, і номер %(number)s більше не отримуватиме SMS від %(name)s.",
        button="Не отримувати SMS",
        done_title="Вас відписано",
        done="Номер %(number)s більше не отримуватиме SMS від %(name)s.",
        mistake="Це була помилка?",
        undo="Отримувати SMS і надалі",
        undone_title="Ви залишаєтеся підписаними",
        undone="Номер %(number)s і надалі отримуватиме SMS від %(name)s.",
        unknown="Це посилання більше нікуди не веде. Надішліть STOP у відповідь на SMS.",
    ),
    "he": Sentences(
        title="להפסיק לקבל הודעות מ-%(name)s?",
        question="לחיצה על הכפתור, והמספר %(number)s לא יקבל עוד הודעות מ-%(name)s.",
        button="להפסיק את ההודעות",
        done_title="הוסרת מרשימת התפוצה",
        done="המספר %(number)s לא יקבל עוד הודעות מ-%(name)s.",
        mistake="זו הייתה טעות?",
        undo="להמשיך לקבל הודעות",
        undone_title="נשארת ברשימת התפוצה",
        undone="המספר %(number)s ימשיך לקבל הודעות מ-%(name)s.",
        unknown="הקישור הזה כבר לא מוביל לשום מקום. אפשר להשיב STOP להודעה.",
        right_to_left=True,
    ),
}
