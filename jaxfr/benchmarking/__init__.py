"""The parts of the program that times jaxfr next to other array packages."""
