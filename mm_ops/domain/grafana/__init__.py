"""Dashboards in Grafana: their one form, how two differ, and whether one may be overwritten."""
