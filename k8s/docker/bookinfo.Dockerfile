# docker build --file k8s/docker/bookinfo.Dockerfile --tag inmesh/bookinfo:0.1.0 .
# One image for all services: what runs is named by the arguments, such as examples/bookinfo/dist/services/reviews.js.
ARG BUILD_IMAGE=node:22-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs22-debian12:nonroot

FROM $BUILD_IMAGE AS build
WORKDIR /inmesh
COPY . .
RUN npm run build

# What runs is installed anew, without what only builds need. Not by `npm ci`: it wants packages of all platforms in the lock file.
FROM $BUILD_IMAGE AS packages
WORKDIR /inmesh
COPY --from=build /inmesh/package.json /inmesh/package-lock.json /inmesh/.npmrc ./
COPY --from=build /inmesh/packages ./packages
COPY --from=build /inmesh/examples ./examples
# No package is named: their versions are those of the lock file.
# hadolint ignore=DL3016
RUN npm install --omit=dev --ignore-scripts --workspace examples/bookinfo && rm -rf packages/*/src packages/*/test examples/*/src

FROM $RUNTIME_IMAGE
WORKDIR /inmesh
ENV NODE_ENV=production LISTEN_HOST=0.0.0.0 PORT=9080 METRICS_PORT=9464
COPY --from=packages /inmesh ./
USER 65532:65532
EXPOSE 9080 9464
ENTRYPOINT ["/nodejs/bin/node"]
CMD ["examples/bookinfo/dist/services/productpage.js"]
