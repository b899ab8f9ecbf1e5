import requests
for i in range(10):
    print(requests.get("http://localhost:8080/").status_code)
