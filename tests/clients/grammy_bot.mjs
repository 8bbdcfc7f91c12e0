// A grammY bot on the local Telegram: polling or webhook, as its argument says.
import { createServer } from "node:http";
import { Bot, InlineKeyboard, InputFile, webhookCallback } from "grammy";
import { PICTURE, SECRET, listening } from "./parts.mjs";

const bot = new Bot(process.env.TELEGRAM_TOKEN, { client: { apiRoot: process.env.TELEGRAM_URL } });

bot.command("start", (ctx) =>
  ctx.reply(`Hello, <b>${ctx.from.first_name}</b>`, {
    parse_mode: "HTML",
    reply_markup: new InlineKeyboard().text("Again", "again"),
  }),
);
bot.command("picture", (ctx) => ctx.replyWithPhoto(new InputFile(PICTURE, "dot.png"), { caption: "A picture" }));
bot.callbackQuery("again", async (ctx) => {
  await ctx.answerCallbackQuery("Sure");
  await ctx.editMessageText(`Hello again, ${ctx.from.first_name}`);
});
bot.on("message:text", (ctx) => ctx.reply(`${ctx.from.first_name} said: ${ctx.message.text}`));

await bot.api.setMyCommands([{ command: "picture", description: "Show a picture" }]);
if (process.argv[2] === "webhook") {
  const url = await listening(createServer(webhookCallback(bot, "http", { secretToken: SECRET })));
  await bot.api.setWebhook(url, { secret_token: SECRET });
} else {
  await bot.start();
}
