/** A production environment without a weakness. */
export const production = {
  NODE_ENV: "production",
  PUBLIC_URL: "https://accounts.example.com",
  DATABASE_URL: "postgres://usermesh:Vq3zT9mKx2LwB7nR@db.internal/usermesh",
  DB_SSL: "verify",
  NATS_URL: "tls://usermesh:hG5cJ8pYd4SfW1eN@nats.internal:4222",
  REDIS_URL: "rediss://:uA6kM3rXo9ZtQ7bE@redis.internal:6379",
  SMTP_HOST: "smtp.example.com",
  SMTP_TLS: "require",
  SECRET_KEY: "k1:6dcNV9ql0TzLrXJ2yb8PmwGk4HsfaU3e",
  ADMIN_EMAIL: "accounts@example.com",
};
