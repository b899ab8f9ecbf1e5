use std::io::{self, Read};

pub struct Request {
    pub method: String,
    pub path: String,
    pub version: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    // Lee una peticion completa del socket. None si el cliente cerro
    // la conexion sin enviar nada.
    pub fn read<R: Read>(stream: &mut R) -> io::Result<Option<Request>> {
        let mut data: Vec<u8> = Vec::new();
        let mut buffer = [0u8; 4096];

        // primero se lee hasta el final de los encabezados
        let header_end = loop {
            if let Some(pos) = find_header_end(&data) {
                break pos;
            }
            let n = stream.read(&mut buffer)?;
            if n == 0 {
                if data.is_empty() {
                    return Ok(None);
                }
                return Err(bad_request("peticion incompleta"));
            }
            data.extend_from_slice(&buffer[..n]);
        };

        let head = String::from_utf8_lossy(&data[..header_end]).to_string();
        let mut lines = head.split("\r\n");

        let request_line = lines.next().unwrap_or("");
        let parts: Vec<&str> = request_line.split_whitespace().collect();
        if parts.len() != 3 {
            return Err(bad_request("linea de peticion invalida"));
        }

        let mut headers = Vec::new();
        for line in lines {
            match line.split_once(':') {
                Some((name, value)) => {
                    headers.push((name.trim().to_string(), value.trim().to_string()))
                }
                None => return Err(bad_request("encabezado invalido")),
            }
        }

        let mut request = Request {
            method: parts[0].to_string(),
            path: parts[1].to_string(),
            version: parts[2].to_string(),
            headers,
            body: data[header_end + 4..].to_vec(),
        };

        // despues se lee el cuerpo, segun el Content-Length
        let length: usize = match request.header("Content-Length") {
            Some(value) => value
                .parse()
                .map_err(|_| bad_request("Content-Length invalido"))?,
            None => 0,
        };
        while request.body.len() < length {
            let n = stream.read(&mut buffer)?;
            if n == 0 {
                return Err(bad_request("cuerpo incompleto"));
            }
            request.body.extend_from_slice(&buffer[..n]);
        }

        Ok(Some(request))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }

    // Linea de peticion y encabezados, para el log
    pub fn head(&self) -> String {
        let mut text = format!("{} {} {}\r\n", self.method, self.path, self.version);
        for (name, value) in &self.headers {
            text.push_str(&format!("{}: {}\r\n", name, value));
        }
        text
    }

    // Los bytes que se le envian al backend. Se cambia el encabezado
    // Connection para que el backend cierre el socket cuando termine y asi
    // saber donde acaba la respuesta.
    pub fn to_bytes(&self, client_ip: &str) -> Vec<u8> {
        let mut text = format!("{} {} {}\r\n", self.method, self.path, self.version);
        for (name, value) in &self.headers {
            if name.eq_ignore_ascii_case("Connection") {
                continue;
            }
            text.push_str(&format!("{}: {}\r\n", name, value));
        }
        text.push_str(&format!("X-Forwarded-For: {}\r\n", client_ip));
        text.push_str("Connection: close\r\n\r\n");

        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

fn bad_request(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

pub fn find_header_end(data: &[u8]) -> Option<usize> {
    data.windows(4).position(|w| w == b"\r\n\r\n")
}

// Encabezados de la respuesta (para el log)
pub fn response_head(response: &[u8]) -> String {
    let end = find_header_end(response).unwrap_or(response.len());
    String::from_utf8_lossy(&response[..end]).to_string()
}

pub fn status_code(response: &[u8]) -> Option<u16> {
    let head = response_head(response);
    head.split_whitespace().nth(1)?.parse().ok()
}

// Respuestas que genera el mismo proxy cuando hay un error
pub fn error_response(code: u16, reason: &str) -> Vec<u8> {
    let body = format!("<html><body><h1>{} {}</h1></body></html>\n", code, reason);
    format!(
        "HTTP/1.1 {} {}\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
        code,
        reason,
        body.len(),
        body
    )
    .into_bytes()
}
