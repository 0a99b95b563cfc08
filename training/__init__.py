"""Offline work: get data, prepare it, train, evaluate, publish. Imports ``albumjudge``, never the reverse."""
