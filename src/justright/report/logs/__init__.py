"""What training logs say, in every form: page, Markdown and plot; `report.terminal.log_report` prints it."""
