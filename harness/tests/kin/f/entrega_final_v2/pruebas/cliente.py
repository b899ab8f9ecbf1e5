import http.client
for i in range(10):
    c = http.client.HTTPConnection("localhost", 8080)
    c.request("GET", "/?i=%d" % i)
    print(c.getresponse().status)
