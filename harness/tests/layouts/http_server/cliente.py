import http.client
c = http.client.HTTPConnection('localhost', 8000)
c.request('GET', '/')
print(c.getresponse().read())
