"""Reports: tables, figures and pages made from a study."""
