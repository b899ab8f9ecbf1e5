#!/bin/bash
for i in 1 2 3 4 5 6; do curl -s localhost:8080/index.html?$i | tail -1; done
