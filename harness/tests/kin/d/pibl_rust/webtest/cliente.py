import http.client
c=http.client.HTTPConnection("localhost",8080); c.request("GET","/"); print(c.getresponse().read())
