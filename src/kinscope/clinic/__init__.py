"""What the clinic measured: transcript levels, response, karyotype, and the course of a case."""
