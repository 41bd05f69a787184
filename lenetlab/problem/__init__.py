"""The fixed problem: data, model, evaluation, scenarios. Nothing here knows an optimizer."""
