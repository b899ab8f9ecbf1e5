package pibl;

class ErrorHttp extends Exception {
    final int codigo;

    ErrorHttp(int codigo) { this.codigo = codigo; }

    String texto() {
        switch (codigo) {
            case 400: return "400 Bad Request";
            case 431: return "431 Request Header Fields Too Large";
            case 503: return "503 Service Unavailable";
            case 504: return "504 Gateway Timeout";
            default: return "502 Bad Gateway";
        }
    }
}
