"""From stored marks to tables, pages and Moodle. Read results, manual_csv, formgrader, write, moodle."""
