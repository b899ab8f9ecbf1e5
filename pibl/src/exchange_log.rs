//! One line per request and response, to stdout and to a file.
