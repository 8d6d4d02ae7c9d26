-- Projects that may have mails to deliver. A note is written before a mail is stored and removed long after it left, so that a
-- process which starts finds what an earlier one left behind without opening every database.
create table control.mail_marks (
  ref text primary key,
  marked_at timestamptz not null default now(),
  constraint mail_marks_ref_fkey foreign key (ref) references control.projects (ref) on delete cascade
);
