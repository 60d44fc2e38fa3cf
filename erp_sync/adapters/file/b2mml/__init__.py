"""B2MML, the XML form of ISA-95: read in versions 7 and 4.01, written in version 7."""
