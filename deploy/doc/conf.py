"""The manuals of the four tools as one site: `vagga doc`."""
project = 'Suite: vagga, lithos, cantal, verwalter'
extensions = ['myst_parser']
# Tables link to their own sections.
myst_heading_anchors = 4
source_suffix = {'.md': 'markdown'}
root_doc = 'README'
exclude_patterns = ['node_modules', '**/node_modules', '**/dist', '**/.*', '.*', '**/test', '**/fixtures']
# Pages link to places in the sources, which are no pages.
suppress_warnings = ['myst.xref_missing', 'myst.header', 'myst.iref_ambiguous', 'ref.myst', 'misc.highlighting_failure']
html_theme = 'alabaster'
html_theme_options = {'nosidebar': False}


def setup(app):
    """Pages are reached by links in their texts: that none is in a table of contents is no warning."""
    app.connect('doctree-read', lambda app, _: app.env.metadata[app.env.docname].setdefault('orphan', ''))
