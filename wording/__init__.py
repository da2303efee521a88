"""Every sentence that people read and that is no template: of progress, refusals, orders, runs."""
