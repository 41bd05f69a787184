"""From what was measured inside runs to what people read: tables, figures, a page."""
