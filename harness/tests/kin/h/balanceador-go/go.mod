module balanceador

go 1.18
