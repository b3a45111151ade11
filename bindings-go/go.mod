module github.com/scopegate/scopegate/bindings-go

go 1.25.0
