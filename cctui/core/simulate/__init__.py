"""The modelled world of `ccq simulate`: a scenario, its rules, the policies to compare, the result.  Pure."""
