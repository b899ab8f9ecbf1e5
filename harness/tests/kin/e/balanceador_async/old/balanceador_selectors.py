# intento 1 con selectors, no terminamos
import selectors, socket
sel = selectors.DefaultSelector()
s = socket.socket(); s.bind(('', 8080)); s.listen(5)
# TODO
