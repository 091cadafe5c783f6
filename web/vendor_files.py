"""The files of npm packages that Crier serves, and nothing else of those packages.

Name under STATIC_URL -> path below NODE_MODULES. A file that is not named here is not served, so an
update of a package cannot change what goes out unnoticed.
"""

# One file a script; the browser loads those whose characters a page uses (app.css: unicode-range).
INTER_SCRIPTS = ("latin", "latin-ext", "vietnamese", "greek", "greek-ext", "cyrillic", "cyrillic-ext")

# Of Basecoat's scripts those whose parts pages have: all of them together are twice as heavy.
BASECOAT_PARTS = ("dropdown-menu", "tabs", "toast", "sidebar", "combobox", "chart")

VENDOR_FILES: dict[str, str] = {
    "vendor/basecoat.css": "basecoat-css/dist/basecoat-nova.cdn.min.css",
    "vendor/basecoat.js": "basecoat-css/dist/js/basecoat.min.js",
    **{f"vendor/basecoat-{part}.js": f"basecoat-css/dist/js/{part}.min.js" for part in BASECOAT_PARTS},
    "vendor/chart.js": "chart.js/dist/chart.umd.min.js",
    "vendor/htmx.js": "htmx.org/dist/htmx.min.js",
    **{
        f"vendor/inter/{script}.woff2": f"@fontsource-variable/inter/files/inter-{script}-wght-normal.woff2"
        for script in INTER_SCRIPTS
    },
}
