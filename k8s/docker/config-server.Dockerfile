# docker build --file k8s/docker/config-server.Dockerfile --tag inmesh/config-server:0.1.0 .
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
# No package is named: their versions are those of the lock file.
# hadolint ignore=DL3016
RUN npm install --omit=dev --ignore-scripts --workspace packages/cli && rm -rf packages/*/src packages/*/test

FROM $RUNTIME_IMAGE
WORKDIR /inmesh
ENV NODE_ENV=production
COPY --from=packages /inmesh ./
USER 65532:65532
EXPOSE 15010 15012 15014 15017
ENTRYPOINT ["/nodejs/bin/node", "packages/cli/bin/inmesh.js"]
CMD ["serve", "--help"]
