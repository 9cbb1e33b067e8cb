project = 'Lighthouse'
html_theme = 'alabaster'
html_theme_options = {'description': 'Keeps ships off the rocks'}
