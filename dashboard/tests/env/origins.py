"""Origins as people write them, and as browsers send them."""

ORIGINS = {
    "https://front.example": "https://front.example",
    "HTTPS://Front.Example": "https://front.example",
    "https://front.example:443": "https://front.example",
    "http://front.example:80": "http://front.example",
    "https://front.example:": "https://front.example",
    "https://front.example:0443": "https://front.example",
    "https://front.example:8443": "https://front.example:8443",
    "http://front.example:443": "http://front.example:443",
    "https://bücher.example": "https://xn--bcher-kva.example",
    "https://BÜCHER.example": "https://xn--bcher-kva.example",
    "https://straße.example": "https://xn--strae-oqa.example",
    "https://XN--BCHER-KVA.example": "https://xn--bcher-kva.example",
    "https://my_front.example": "https://my_front.example",
    "https://front.example.": "https://front.example.",
    "http://127.0.0.1:5173": "http://127.0.0.1:5173",
    "http://[0:0:0:0:0:0:0:1]:5173": "http://[::1]:5173",
    "http://[2001:DB8::A]": "http://[2001:db8::a]",
}
