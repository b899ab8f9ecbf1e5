s.listen(5)
u.connect(b)
backend round cache ttl upstream
