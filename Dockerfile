# The database driver for SQLite is C, so the program is linked against the C
# library of the same Debian release that it runs on.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=1 go build -trimpath -ldflags='-s -w' -o /out/redress ./api && mkdir -m 0700 /out/data

# A C library, certificates and a user without rights; no shell.
FROM gcr.io/distroless/base-debian12:nonroot
COPY --from=build /out/redress /usr/local/bin/redress
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# The database and the field key: losing the key loses every sealed value.
VOLUME /data
ENV REDRESS_DIR=/data REDRESS_ADDRESS=0.0.0.0:8080
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s --retries=3 CMD ["/usr/local/bin/redress", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/redress"]
CMD ["serve"]
