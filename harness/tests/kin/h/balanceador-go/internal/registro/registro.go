package registro

import (
	"fmt"
	"os"
	"time"
)

// El registro va en su propia gorutina para que el disco no frene las peticiones
var canal = make(chan string, 16)

func Iniciar(ruta string) error {
	f, err := os.OpenFile(ruta, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0644)
	if err != nil {
		return err
	}
	go func() {
		for l := range canal {
			fmt.Println(l)
			fmt.Fprintln(f, l)
			f.Sync()
			time.Sleep(8 * time.Millisecond) // suave con el disco de la t2.micro
		}
	}()
	return nil
}

func Anotar(formato string, a ...interface{}) {
	l := time.Now().Format("2006/01/02 15:04:05.000 ") + fmt.Sprintf(formato, a...)
	select {
	case canal <- l:
	default: // si esta lleno no bloqueamos la peticion
	}
}
