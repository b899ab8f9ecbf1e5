# python3 tests/client.py http://127.0.0.1:8080/
import sys, urllib.request
for i in range(9):
    print(urllib.request.urlopen(sys.argv[1] + "?n=%d" % i).read()[:60])
