mod destinos;
mod servir;

fn main() {
    servir::escuchar(8080);
}
