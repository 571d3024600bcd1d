-- Run at every start: the server's own user may do all over its socket, where the kernel vouches for
-- it. It is by this account that passwords are rotated; it could read the data as files anyway.
SET sql_log_bin = 0;
CREATE USER IF NOT EXISTS 'mysql'@'localhost' IDENTIFIED VIA unix_socket;
GRANT ALL ON *.* TO 'mysql'@'localhost' WITH GRANT OPTION;
