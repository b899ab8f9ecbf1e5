# prototipo
print("TODO pasar a rust")
