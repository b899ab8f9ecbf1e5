import http.client
for i in range(6):
    c = http.client.HTTPConnection("127.0.0.1", 8080); c.request("GET", "/?%d" % i)
    r = c.getresponse(); print(r.status, r.read()[:40])
