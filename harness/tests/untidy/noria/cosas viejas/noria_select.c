// prueba con select, borrar
