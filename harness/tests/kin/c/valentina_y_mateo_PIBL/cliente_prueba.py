import urllib.request
for i in range(6):
    print(urllib.request.urlopen("http://localhost:8080/?%d" % i).status)
