"""Charts of a study's results, in Vega-Lite by Altair: on a page, or as files for a paper."""
