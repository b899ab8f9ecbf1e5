//! Which backend answers the next request.
