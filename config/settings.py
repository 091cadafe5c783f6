"""Settings of the one Django project. Everything that differs between installations comes from the environment."""

import os
import sys
from pathlib import Path
from typing import Any

import dj_database_url
from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key
from django.utils.translation import gettext_lazy as _

from web import env
from web.cache import cache_settings
from web.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

# Where this installation keeps its files: database, queue, uploads, keys.
DATA_DIR = env.folder("CRIER_DATA", BASE_DIR / "var")
PORT = env.integer("PORT", 8000, minimum=1)
DEBUG = env.boolean("CRIER_DEBUG", False)
TESTING = "pytest" in sys.modules

# --- database -------------------------------------------------------------------------------------
SQLITE_OPTIONS: dict[str, Any] = {
    # Measured: with Django's deferred transactions, web and worker lock each other out; so none of that.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY;"
        # What is deleted is overwritten with zeros, so that an erased person cannot be read in free pages of the file. Its
        # cost is below what can be measured (docs/privacy.md).
        " PRAGMA secure_delete=ON;"
    ),
}
DATABASE_URL = env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'crier.sqlite3'}")
EMBEDDED = DATABASE_URL.startswith("sqlite")
try:
    DATABASES: dict[str, Any] = {"default": dict(dj_database_url.parse(DATABASE_URL, conn_max_age=600))}
except (ValueError, dj_database_url.ParseError, dj_database_url.UnknownSchemeError):
    raise env.SettingError(
        "DATABASE_URL", "is not a database address such as postgres://user@host/name."
    ) from None
if EMBEDDED:
    DATABASES["default"]["ENGINE"] = "config.sqlite"
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # A database that is away is told at once, not after the system's two minutes.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
    # One whose machine is gone is given up after half a minute, not after two hours.
    for _option, _value in {
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }.items():
        DATABASES["default"]["OPTIONS"].setdefault(_option, _value)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- secrets --------------------------------------------------------------------------------------
SECRET_KEY = env.secret(
    "CRIER_SECRET_KEY", DATA_DIR / "secret.key", make=get_random_secret_key(), may_make=EMBEDDED or TESTING
)
# Newest first: the first encrypts, all decrypt (rotation). Used for provider credentials.
ENCRYPTION_KEYS = [
    key.strip()
    for key in env.secret(
        "CRIER_ENCRYPTION_KEYS",
        DATA_DIR / "encryption.key",
        make=Fernet.generate_key().decode(),
        may_make=EMBEDDED or TESTING,
    ).split(",")
]

# --- addresses ------------------------------------------------------------------------------------
PUBLIC_URL_IS_SET = bool(env.text("CRIER_PUBLIC_URL", ""))
PUBLIC_URL = env.text("CRIER_PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
ALLOWED_HOSTS = env.words("CRIER_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1],0.0.0.0,.localhost")
CSRF_TRUSTED_ORIGINS = env.words("CRIER_TRUSTED_ORIGINS", PUBLIC_URL)
HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = env.integer("CRIER_HSTS_SECONDS", 0)
BEHIND_PROXY = env.boolean("CRIER_BEHIND_PROXY", False)
if BEHIND_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    # Sign-in attempts are limited by address: of the person, not of the proxy.
    ALLAUTH_TRUSTED_PROXY_COUNT = 1
# Where vendors reach us with receipts and inbound texts; the same as the public address unless said otherwise.
WEBHOOK_URL = env.text("CRIER_WEBHOOK_URL", PUBLIC_URL).rstrip("/")
# Where short links lead that a workspace has no domain of its own for.
LINK_URL = env.text("CRIER_LINK_URL", PUBLIC_URL).rstrip("/")
# Of each web process, for pages and the API; short links and uploads have their own.
WEB_THREADS = env.integer("CRIER_WEB_THREADS", 4, minimum=1)
# The sandbox beside this installation; empty where there is none (then there is no handset page).
SANDBOX_PORT = env.integer("SANDBOX_PORT", PORT + 1, minimum=1)
SANDBOX_URL = env.text("CRIER_SANDBOX_URL", "-").rstrip("/").removesuffix("-")

# --- apps -----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_cotton.apps.SimpleAppConfig",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "django_filters",
    "import_export",
    "config",
    "web",
    "accounts",
    "contacts",
    "providers",
    "messaging",
    "campaigns",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # CSRF tokens are masked anew in each answer, so packing gives nothing away.
    "django.middleware.gzip.GZipMiddleware",
    "web.middleware.RequestLogMiddleware",
    "web.middleware.DatabaseAwayMiddleware",
    "web.middleware.TextsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.WorkspaceMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

_LOADERS: list[Any] = [
    "django_cotton.cotton_loader.Loader",
    "django.template.loaders.filesystem.Loader",
    "django.template.loaders.app_directories.Loader",
]
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": _LOADERS if DEBUG else [("django.template.loaders.cached.Loader", _LOADERS)],
            "builtins": ["django_cotton.templatetags.cotton"],
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context.page",
                "accounts.context.installation",
            ],
        },
    }
]
FORM_RENDERER = "web.forms.CrierFormRenderer"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
X_FRAME_OPTIONS = "DENY"

# The admin's exports run no formulas either; where a value begins like one, the sign goes.
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = True
# What is uploaded there and never confirmed does not stay.
IMPORT_EXPORT_TMP_STORAGE_CLASS = "contacts.admin_uploads.AdminUploads"

# --- people ---------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/login/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.sign_in_forms.SignInForm",
    "change_password": "accounts.sign_in_forms.ToldChangePasswordForm",
    "set_password": "accounts.sign_in_forms.ToldSetPasswordForm",
    "reset_password": "accounts.sign_in_forms.ToldResetPasswordForm",
    "reset_password_from_key": "accounts.sign_in_forms.ToldResetPasswordKeyForm",
    "reauthenticate": "accounts.sign_in_forms.ToldReauthenticateForm",
}
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {
    # Of one network address: ten wrong passwords a minute, five in five minutes for one person (see the adapter).
    "login_failed": "10/m/ip,5/300s/key",
    # For one person from all addresses; one alone comes to 60 in an hour, so it locks nobody out.
    "login_anywhere": "300/h/key",
}
# Nobody makes Crier write to strangers by asking for their password.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_SESSION_REMEMBER = None
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Crier"
EMAIL_BACKEND = env.text("CRIER_EMAIL_BACKEND", "django.core.mail.backends.console.EmailBackend")
DEFAULT_FROM_EMAIL = env.text("CRIER_EMAIL_FROM", "crier@localhost")

# --- languages and time ---------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = True

# --- files ----------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "web.static_finder.VendorFinder",
]
NODE_MODULES = BASE_DIR / "node_modules"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING
        else "web.storage.CrierStaticStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG or TESTING
WHITENOISE_AUTOREFRESH = DEBUG or TESTING
MEDIA_ROOT = env.folder("CRIER_UPLOADS", DATA_DIR / "uploads")
# Of a picture as it is uploaded; what is kept of it is small.
MEDIA_MAX_BYTES = env.integer("CRIER_MEDIA_MAX_BYTES", 15 * 1024**2, minimum=1024)
# An upload streams to disk; the limit is checked by the import service, in words. Packed files: of what is inside.
IMPORT_MAX_BYTES = env.integer("CRIER_IMPORT_MAX_BYTES", 2 * 1024**3, minimum=1024)
# Known at upload of what is counted there (inspection.COUNTED_BYTES), else at the check.
IMPORT_MAX_ROWS = env.integer("CRIER_IMPORT_MAX_ROWS", 5_000_000, minimum=1)
# As long as an import can be undone (contacts.services.import_undo.KEPT), which needs no file itself.
IMPORT_FILES_DAYS = env.integer("CRIER_IMPORT_FILES_DAYS", 30, minimum=1)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000

# --- jobs: tasks only wake workers up; the database is the queue ------------------------------------
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", "filesystem://")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {}
if CELERY_BROKER_URL.startswith("filesystem"):
    _queue = env.folder("CRIER_QUEUE", DATA_DIR / "queue")
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue),
        "data_folder_out": str(_queue),
        "control_folder": str(env.folder("CRIER_QUEUE_CONTROL", DATA_DIR / "queue-control")),
        # Measured: 0.2 s keeps an idle worker under 1 % of a core.
        "polling_interval": 0.2,
    }
elif CELERY_BROKER_URL.startswith(("redis", "amqp", "pyamqp")):
    # A broker that is away must not hold up a page or a vendor's call: the sweep wakes the workers instead.
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.2,
        "connect_retries_timeout": 1,
    }
    if CELERY_BROKER_URL.startswith("redis"):
        CELERY_BROKER_TRANSPORT_OPTIONS |= {"socket_connect_timeout": 2}
elif not CELERY_BROKER_URL.startswith(("amqp", "redis", "memory", "pyamqp", "rediss")):
    raise env.SettingError("CELERY_BROKER_URL", "must begin with amqp://, redis:// or filesystem://.")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "messaging.tasks.send_due_messages": {"queue": "send"},
    # They wait for strangers' servers, and nobody shall wait for them.
    "messaging.tasks.send_webhooks": {"queue": "webhooks"},
    "providers.tasks.push_changes": {"queue": "webhooks"},
    "messaging.tasks.ask_for_receipts": {"queue": "webhooks"},
    "providers.tasks.carry_on_sync": {"queue": "webhooks"},
    # Long ones apart, so that a large file does not hold up receipts and the sweep.
    "contacts.tasks.*": {"queue": "files"},
}
# Without it Celery's Django fixup closes the database connection around every task.
CELERY_DB_REUSE_MAX = 1000
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "campaigns.tasks.sweep", "schedule": 5.0, "options": {"expires": 10}},
    "tidy-up": {"task": "campaigns.tasks.tidy_up", "schedule": 3600.0},
    "tidy-files": {"task": "contacts.tasks.tidy_files", "schedule": 3600.0, "options": {"expires": 3600}},
    "apply-webhook-calls": {
        "task": "providers.tasks.apply_webhook_calls",
        "schedule": 2.0,
        "options": {"expires": 4},
    },
}

if SANDBOX_URL:
    # The sandbox forgets its webhooks whenever it is started anew.
    CELERY_BEAT_SCHEDULE["tend-sandbox"] = {
        "task": "providers.tasks.tend_sandbox",
        "schedule": 10.0,
        "options": {"expires": 10},
    }

# --- what the web processes share -----------------------------------------------------------------------
CACHES = (
    {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    if TESTING
    else cache_settings(
        cache_url=env.text("CACHE_URL", ""),
        broker_url=CELERY_BROKER_URL,
        embedded=EMBEDDED,
        folder=DATA_DIR / "cache",
    )
)

# --- the engine -----------------------------------------------------------------------------------
# A claim older than this belongs to a worker that died; its messages become `unknown`, never sent again blindly.
# What each engine claimed and handed over, for the time after a sudden death.
ENGINE_JOURNAL_DIR = DATA_DIR / "claims"
# How far the databases were that were used from here: an older state of one is told by it (accounts/instance.py).
INSTANCES_DIR = DATA_DIR / "instances"
# Hits of short links between the visitor and the database.
HITS_DIR = DATA_DIR / "hits"
ENGINE_LEASE_SECONDS = env.decimal_number("CRIER_LEASE_SECONDS", 90.0, minimum=1.0)
ENGINE_REQUEST_TIMEOUT_SECONDS = env.decimal_number("CRIER_REQUEST_TIMEOUT_SECONDS", 30.0, minimum=0.1)
ENGINE_CONTROL_SECONDS = env.decimal_number("CRIER_CONTROL_SECONDS", 0.5, minimum=0.05)
# How long a provider may be out of reach before its broadcasts are paused and a person is asked.
ENGINE_UNREACHABLE_SECONDS = env.decimal_number("CRIER_UNREACHABLE_SECONDS", 60.0, minimum=0.0)
ENGINE_RUN_SECONDS = env.decimal_number("CRIER_ENGINE_RUN_SECONDS", 60.0, minimum=1.0)

# How long providers that push no delivery reports are asked what became of a message.
RECEIPT_HOURS = env.integer("CRIER_RECEIPT_HOURS", 72, minimum=1)

# --- verification (OTP) ---------------------------------------------------------------------------
# Of one number in a workspace: codes an hour, seconds between two of them, wrong codes an hour over all its codes.
VERIFICATION_STARTS_PER_HOUR = env.integer("CRIER_VERIFICATION_STARTS_PER_HOUR", 5, minimum=1)
VERIFICATION_SECONDS_BETWEEN = env.integer("CRIER_VERIFICATION_SECONDS_BETWEEN", 30)
VERIFICATION_WRONG_PER_HOUR = env.integer("CRIER_VERIFICATION_WRONG_PER_HOUR", 15, minimum=1)
# Codes a minute that one API key may ask for.
VERIFICATION_STARTS_PER_KEY = env.integer("CRIER_VERIFICATION_STARTS_PER_KEY", 60, minimum=1)
# How long those are kept that are over; the limits count a day back at most.
VERIFICATION_DAYS = env.integer("CRIER_VERIFICATIONS_DAYS", 90, minimum=2)

# --- webhooks -------------------------------------------------------------------------------------
# Whether events may be posted into private networks, this machine included: whoever may set up a webhook reaches it.
WEBHOOKS_MAY_BE_PRIVATE = env.boolean("CRIER_WEBHOOKS_PRIVATE", False)
# How long is kept what was posted.
WEBHOOK_DAYS = env.integer("CRIER_WEBHOOK_DAYS", 30, minimum=3)
WEBHOOK_TIMEOUT_SECONDS = env.decimal_number("CRIER_WEBHOOK_TIMEOUT_SECONDS", 15.0, minimum=0.1)

# --- API ------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api_access.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api_access.RoleAllows"],
    "DEFAULT_PAGINATION_CLASS": "web.api.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["web.api_parsers.JSONParser"],
    "EXCEPTION_HANDLER": "web.api.problem_handler",
    "PAGE_SIZE": 50,
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Crier API",
    "DESCRIPTION": "Import recipients, write and launch broadcasts, and read what happened to every recipient.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    # Several things have a `state`: each gets a name of its own in the schema.
    "ENUM_NAME_OVERRIDES": {
        "BroadcastStateEnum": "campaigns.models.BroadcastState.choices",
        "MessageStateEnum": "sms.states.MessageState",
        "ImportStateEnum": "contacts.models.ImportState.choices",
        "VerificationStateEnum": "messaging.verification.states.SHOWN_STATES",
        "WebhookKindEnum": "messaging.models.WebhookKind.choices",
        "WebhookStateEnum": "messaging.models.WebhookState.choices",
        "ListJobKindEnum": "contacts.models.ListJobKind.choices",
        "NumberKindEnum": "contacts.models.NumberKind.choices",
        "SyncStateEnum": "providers.models.SyncState.choices",
        "SyncRunStateEnum": "providers.models.SyncRunState.choices",
        "SyncStepStateEnum": "providers.models.SyncStepState.choices",
    },
}

# --- logs and metrics -----------------------------------------------------------------------------
LOG_FORMAT = env.text("CRIER_LOG_FORMAT", "console")
if LOG_FORMAT not in {"console", "short", "json"}:
    raise env.SettingError("CRIER_LOG_FORMAT", f"must be console, short or json, not {LOG_FORMAT!r}.")
LOGGING = logging_settings(LOG_FORMAT, env.text("CRIER_LOG_LEVEL", "INFO").upper())
LOGGING_CONFIG = "web.logs.configure"
# Prometheus asks with `Authorization: Bearer <token>`; without a token there is no metrics page.
METRICS_TOKEN = os.environ.get("CRIER_METRICS_TOKEN", "")
