# syntax=docker/dockerfile:1
# Two stages: build a static binary, run it alone as an unprivileged user on a read-only file system.
#   docker build -t settled .
#   docker run --read-only --tmpfs /tmp -v ./settled.yaml:/etc/settled.yaml:ro -v ./keys.json:/run/secrets/keys.json:ro \
#     -e DATABASE_URL=… -e SETTLED_CONFIG=/etc/settled.yaml -e SETTLED_KEYS=/run/secrets/keys.json settled run
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/settled ./cmd/settled \
 && CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /out/pcsim ./cmd/pcsim

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/settled /out/pcsim /usr/local/bin/
USER 65532:65532
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/settled"]
CMD ["run"]
