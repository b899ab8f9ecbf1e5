module pibl

go 1.19
