"""From stored marks to tables, pages and Moodle. Read results, manual, formgrader, marked, write, moodle."""
