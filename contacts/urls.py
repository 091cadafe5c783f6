from django.urls import URLPattern, URLResolver, path

from contacts.views import imports, list_jobs, lists, opt_outs

urlpatterns: list[URLPattern | URLResolver] = [
    path("lists/", lists.list_list, name="recipient-list-list"),
    path("lists/new/", lists.list_new, name="recipient-list-new"),
    path("lists/merge/", list_jobs.list_merge, name="recipient-list-merge"),
    path("lists/<int:pk>/", lists.list_detail, name="recipient-list-detail"),
    path("lists/<int:pk>/rename/", lists.list_rename, name="recipient-list-rename"),
    path("lists/<int:pk>/enabled/", lists.list_enabled, name="recipient-list-enabled"),
    path("lists/<int:pk>/export/", lists.list_export, name="recipient-list-export"),
    path("lists/<int:pk>/paste/", lists.list_paste, name="recipient-list-paste"),
    path("lists/<int:pk>/jobs/new/", list_jobs.list_job_new, name="list-job-new"),
    path("lists/<int:pk>/jobs/<int:job_pk>/", list_jobs.list_job, name="list-job"),
    path("lists/<int:pk>/jobs/<int:job_pk>/cancel/", list_jobs.list_job_cancel, name="list-job-cancel"),
    path("lists/<int:pk>/jobs/<int:job_pk>/again/", list_jobs.list_job_again, name="list-job-again"),
    path("lists/<int:pk>/jobs/<int:job_pk>/file/", list_jobs.list_job_file, name="list-job-file"),
    path(
        "lists/<int:pk>/filters/<int:filter_pk>/delete/", list_jobs.filter_delete, name="saved-filter-delete"
    ),
    path("lists/<int:pk>/people/count/", lists.people_count, name="recipient-list-count"),
    path("lists/<int:pk>/people/ticked/", lists.people_ticked, name="recipient-list-ticked"),
    path("lists/<int:pk>/people/remove/", lists.people_remove, name="recipient-list-remove"),
    path("lists/<int:pk>/people/restore/", lists.people_restore, name="recipient-list-restore"),
    path("lists/<int:pk>/people/<int:person_pk>/", lists.person_edit, name="recipient-edit"),
    path("imports/", imports.import_list, name="import-list"),
    path("imports/new/", imports.import_new, name="import-new"),
    path("imports/example.csv", imports.import_sample, name="import-sample"),
    path("imports/<int:pk>/", imports.import_detail, name="import-detail"),
    path("imports/<int:pk>/columns/", imports.import_columns, name="import-columns"),
    path("imports/<int:pk>/country/", imports.import_country, name="import-country"),
    path("imports/<int:pk>/reread/", imports.import_reread, name="import-reread"),
    path("imports/<int:pk>/sheet/", imports.import_sheet, name="import-sheet"),
    path("imports/<int:pk>/encoding/", imports.import_encoding, name="import-encoding"),
    path("imports/<int:pk>/check/", imports.import_check, name="import-check"),
    path("imports/<int:pk>/run/", imports.import_run, name="import-run"),
    path("imports/<int:pk>/resume/", imports.import_resume, name="import-resume"),
    path("imports/<int:pk>/forget/", imports.import_forget, name="import-forget"),
    path("imports/<int:pk>/undo/", imports.import_undo, name="import-undo"),
    path("imports/<int:pk>/cancel/", imports.import_cancel, name="import-cancel"),
    path("imports/<int:pk>/rejects/", imports.import_rejects, name="import-rejects"),
    path("opt-outs/", opt_outs.opt_out_list, name="opt-out-list"),
    path("opt-outs/export/", opt_outs.opt_out_export, name="opt-out-export"),
    path("opt-outs/<int:pk>/remove/", opt_outs.opt_out_remove, name="opt-out-remove"),
    path("opt-outs/lists/new/", opt_outs.unsubscribe_list_new, name="unsubscribe-list-new"),
    path("opt-outs/lists/<int:pk>/", opt_outs.unsubscribe_list_detail, name="unsubscribe-list-detail"),
    path("opt-outs/lists/<int:pk>/rename/", opt_outs.unsubscribe_list_rename, name="unsubscribe-list-rename"),
    path(
        "opt-outs/lists/<int:pk>/enabled/", opt_outs.unsubscribe_list_enabled, name="unsubscribe-list-enabled"
    ),
    path("opt-outs/lists/<int:pk>/remove/", opt_outs.members_remove, name="unsubscribe-list-remove"),
    path("opt-outs/lists/<int:pk>/export/", opt_outs.members_export, name="unsubscribe-list-export"),
]
