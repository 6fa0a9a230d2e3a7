# The server (and, with another command, the worker). The sandboxes that tools run in are another image.
FROM node:24-bookworm-slim AS build
WORKDIR /gantry
COPY package.json package-lock.json .npmrc ./
RUN npm install --ignore-scripts --no-save --include=dev
COPY tsconfig.json tsconfig.build.json ./
COPY migrations migrations
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-save

FROM node:24-bookworm-slim
WORKDIR /gantry
ENV NODE_ENV=production HOST=0.0.0.0 GANTRY_HOME=/data
COPY --from=build /gantry/node_modules node_modules
COPY --from=build /gantry/dist dist
COPY package.json ./
COPY models models
COPY sandboxes sandboxes
RUN install -d -o node -g node /data
USER node
VOLUME /data
EXPOSE 8080
CMD ["node", "--no-node-snapshot", "dist/src/main.js"]
