#!/bin/bash
for n in 1 2 3 4 5 6; do curl -si localhost:8080/?x=$n | head -1; done
