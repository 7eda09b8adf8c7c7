-- Where a guest is told that seats came back. Who has an account is told at its address; who is done is told nothing more.
ALTER TABLE waitlist ADD COLUMN email TEXT;
ALTER TABLE waitlist ADD COLUMN language TEXT;
