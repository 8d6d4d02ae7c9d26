-- As the server said when the platform last prepared it: 17.10. Null for home, which says it itself.
alter table control.clusters add column server_version text;
